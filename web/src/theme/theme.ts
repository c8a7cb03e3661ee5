/* Mantine's theme: our sizes, and colours by our tokens in every variant, for its own defaults fail the contrast check. */

import {
  createTheme,
  type MantineColorsTuple,
  type MantineThemeComponent,
  type VariantColorResolverResult,
  type VariantColorsResolver,
} from "@mantine/core";

const FILLS: Record<string, string> = { red: "var(--fill-stop)", green: "var(--fill-go)" };
const TEXTS: Record<string, string> = { red: "var(--miss)", green: "var(--talk)", gray: "var(--text2)" };
const SOFTS: Record<string, string> = { red: "var(--miss-soft)", green: "var(--talk-soft)", gray: "var(--inset)" };

/** Colours of buttons and the like by their variant; `color` is nothing (accent), "red" (stop), "green" (go), "gray". */
const variantColorResolver: VariantColorsResolver = ({ color, variant }): VariantColorResolverResult => {
  const name = color === undefined || color === "accent" ? "" : color;
  const text = TEXTS[name] ?? "var(--accent-text)";
  const soft = SOFTS[name] ?? "var(--accent-soft)";
  switch (variant) {
    case "filled": {
      const fill = FILLS[name] ?? "var(--accent)";
      const over = name in FILLS ? fill : "var(--accent-over)";
      return { background: fill, hover: over, color: "var(--on-accent)", border: "1px solid transparent" };
    }
    case "light":
      return { background: soft, hover: soft, color: text, border: "1px solid transparent" };
    case "subtle":
    case "transparent":
      return { background: "transparent", hover: "var(--inset)", color: text, border: "1px solid transparent" };
    case "outline":
      return { background: "transparent", hover: soft, color: text, border: "1px solid currentColor" };
    default:
      return {
        background: "var(--surface)",
        hover: "var(--inset)",
        color: name ? text : "var(--text)",
        border: "1px solid var(--line)",
      };
  }
};

const accent: MantineColorsTuple = [
  "#e9eefd", "#d3ddfb", "#a3baff", "#8fabff", "#4468dc", "#2952cc", "#2952cc", "#2349b8", "#1e3f9f", "#183385",
]; // prettier-ignore

/** Defaults of a component. Written without the component itself, so that the theme loads none of them. */
type Defaults = MantineThemeComponent & { vars?: (theme: unknown, props: { size?: unknown }) => object };

const BUTTON: Defaults = {
  defaultProps: { variant: "default", size: "sm" },
  vars: (_theme, { size }) => ({
    root: {
      "--button-height": size === "xs" ? "28px" : size === "lg" ? "var(--control-band)" : "var(--control)",
      "--button-padding-x": size === "xs" ? "10px" : "12px",
      "--button-fz": size === "xs" ? "13px" : size === "lg" ? "16px" : "14px",
    },
  }),
  styles: { root: { fontWeight: 600 } },
};

const ACTION_ICON: Defaults = {
  defaultProps: { variant: "default" },
  vars: (_theme, { size }) => ({
    root: { "--ai-size": size === "xs" ? "28px" : size === "lg" ? "var(--control-band)" : "var(--control)" },
  }),
};

const INPUT: Defaults = {
  vars: () => ({ wrapper: { "--input-height": "var(--control)", "--input-padding": "8px", "--input-fz": "14px" } }),
};

const INPUT_WRAPPER: Defaults = {
  styles: {
    label: { fontSize: 12, lineHeight: "16px", fontWeight: 500, color: "var(--text2)", marginBottom: 4 },
    description: { fontSize: 12, lineHeight: "16px", color: "var(--text3)" },
    error: { fontSize: 12, lineHeight: "16px", color: "var(--miss)" },
  },
};

const COMPONENTS: Record<string, Defaults> = {
  Button: BUTTON,
  ActionIcon: ACTION_ICON,
  CloseButton: { vars: () => ({ root: { "--cb-size": "28px" } }) },
  Input: INPUT,
  InputWrapper: INPUT_WRAPPER,
  Checkbox: { defaultProps: { size: "xs" } },
  Switch: { defaultProps: { size: "xs" } },
  SegmentedControl: { defaultProps: { size: "sm" } },
  Tooltip: {
    defaultProps: { openDelay: 400 },
    styles: { tooltip: { background: "var(--text)", color: "var(--bg)", fontSize: 12 } },
  },
  Menu: { defaultProps: { shadow: "md", radius: "md" } },
  Popover: { defaultProps: { shadow: "md", radius: "md" } },
  // A locked scroll writes a <style> into the page; ours never scrolls as a whole.
  Modal: { defaultProps: { lockScroll: false, radius: "md", centered: true } },
  Drawer: { defaultProps: { lockScroll: false } },
};

export const theme = createTheme({
  colors: { accent },
  primaryColor: "accent",
  primaryShade: 5,
  fontFamily: "var(--font)",
  defaultRadius: "sm",
  cursorType: "pointer",
  respectReducedMotion: true,
  focusRing: "auto",
  variantColorResolver,
  components: COMPONENTS,
});
