/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** The gateway that `npx vite` asks for facts; TRUNKLINE_URL names another. */
const GATEWAY = "http://127.0.0.1:8080";

/** What every page needs, whole: one file packs better than ten, and is kept while our own files change. */
const LIBRARIES =
  /node_modules\/(react|react-dom|scheduler|react-router|@tanstack\/(query-core|react-query)|openapi-fetch|clsx)\//;

/** What many pages share stands in one file: Today asks for 16 scripts then instead of 31, of the same size. Without what
 * places menus and hints, which comes when it is wanted. */
const OFTEN = /^(?!.*(floating|Popover|Combobox|ScrollArea|Menu|Select|Tooltip|Portal|FocusTrap|Modal|use-focus)).*\.(m?js|tsx?)$/;

interface Modules {
  getModuleInfo(id: string): { readonly importedIds: readonly string[] } | null;
}

/** Our own modules that the first page needs at once; a folder's index is passed over, for it names late ones too. */
const frames = new WeakMap<Modules, ReadonlySet<string>>();

function reached(modules: Modules, begin: string): ReadonlySet<string> {
  const found = new Set<string>();
  const left = [begin];
  for (let id = left.pop(); id !== undefined; id = left.pop()) {
    if (found.has(id) || !id.includes("/web/src/") || /\/(parts|api|formats)\/index\.ts$/.test(id)) continue;
    found.add(id);
    left.push(...(modules.getModuleInfo(id)?.importedIds ?? []));
  }
  return found;
}

/** One file for what the first page needs, instead of sixty. */
function frameOf(id: string, modules: Modules): string | null {
  if (!id.includes("/web/src/") || id.endsWith(".css")) return null;
  const frame = frames.get(modules) ?? reached(modules, `${id.split("/web/src/")[0] ?? ""}/web/src/main.tsx`);
  frames.set(modules, frame);
  return frame.has(id) && !id.endsWith("/main.tsx") ? "frame" : null;
}

export default defineConfig(({ command, mode }) => {
  const gateway = process.env.TRUNKLINE_URL ?? GATEWAY;
  return {
    // Built files are served below /static/ (gateway/api/page.py); the development server has the whole address space.
    base: command === "build" ? "/static/" : "/",
    plugins: [react()],
    build: {
      outDir: "../gateway/static",
      emptyOutDir: true,
      target: "es2022",
      sourcemap: mode === "development",
      manifest: "manifest.json",
      // The policy allows no data: addresses, so nothing is written into a script or a style.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      license: { fileName: "licences.md" },
      rolldownOptions: {
        output: {
          codeSplitting: {
            groups: [
              { name: "libraries", test: LIBRARIES },
              { name: frameOf, debugName: "frame" },
              { name: "parts", test: OFTEN, minShareCount: 14 },
            ],
          },
        },
      },
      chunkSizeWarningLimit: 600,
    },
    server: {
      host: "127.0.0.1",
      proxy: {
        "/api": {
          target: gateway,
          ws: true,
          changeOrigin: true,
          // The gateway takes changes from its own origin alone.
          headers: { origin: new URL(gateway).origin },
        },
      },
    },
    test: {
      environment: "node",
      include: ["src/**/*.test.{ts,tsx}", "tests/**/*.test.ts"],
      setupFiles: ["tests/setup.ts"],
      restoreMocks: true,
      env: { TZ: "Europe/Warsaw" },
    },
  };
});
