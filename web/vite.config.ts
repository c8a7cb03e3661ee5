/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** The gateway that `npx vite` asks for facts; TRUNKLINE_URL names another. */
const GATEWAY = "http://127.0.0.1:8080";

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
