/** Puts the focus there when it comes; what is loaded when it is opened comes after the panel around it. */
export function focusOnce(element: HTMLElement | null): void {
  element?.focus();
}
