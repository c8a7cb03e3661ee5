/** The only thing of Node's that the build's configuration reads. */
declare const process: { readonly env: Readonly<Record<string, string | undefined>> };
