import { Tooltip } from "@mantine/core";

/** The hint itself; see Definition. */
export default function TooltipBody({ target, text }: { target: HTMLElement; text: string }) {
  return <Tooltip target={target} label={text} opened multiline maw={320} />;
}
