/* The few things of Node's that the build and its tests use; Node's own types would offer all of it to the page. */

declare const process: { readonly env: Readonly<Record<string, string | undefined>> };

declare module "node:fs" {
  export function readFileSync(path: string | URL, encoding: "utf8"): string;
}
