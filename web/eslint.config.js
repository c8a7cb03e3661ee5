import js from "@eslint/js";
import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import { defineConfig } from "eslint/config";
import typescript from "typescript-eslint";

export default defineConfig(
  { ignores: ["node_modules", "src/api/schema.ts", "*.config.js"] },
  js.configs.recommended,
  typescript.configs.strictTypeChecked,
  typescript.configs.stylisticTypeChecked,
  hooks.configs.flat["recommended-latest"],
  a11y.flatConfigs.strict,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Numbers in templates are read well; everything else must be made a text by hand.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // `onClick={() => close()}` and `return done()` read better than blocks.
      "@typescript-eslint/no-confusing-void-expression": "off",
      // An empty text is no value where `||` stands.
      "@typescript-eslint/prefer-nullish-coalescing": ["error", { ignorePrimitives: { string: true, boolean: true } }],
      "@typescript-eslint/no-misused-spread": ["error", { allow: ["string"] }],
      "@typescript-eslint/no-empty-function": "off",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      // A list may be what is chosen from (WAI-ARIA, listbox and menu patterns).
      "jsx-a11y/no-noninteractive-element-to-interactive-role": [
        "error",
        {
          ul: ["listbox", "menu", "menubar", "radiogroup", "tablist", "tree", "treegrid"],
          ol: ["listbox", "menu", "menubar", "radiogroup", "tablist", "tree", "treegrid"],
          li: ["menuitem", "menuitemradio", "menuitemcheckbox", "option", "row", "tab", "treeitem"],
          table: ["grid"],
          td: ["gridcell"],
        },
      ],
      // Rules of React's compiler, which is not used: a clock is read while drawing, and a ref holds what is not drawn.
      "react-hooks/purity": "off",
      "react-hooks/immutability": "off",
      "react-hooks/refs": "off",
      "react-hooks/preserve-manual-memoization": "off",
      "react-hooks/incompatible-library": "off",
      "react-hooks/set-state-in-effect": "off",
      // `onClick={async () => ...}` is how an act is written; its faults are shown by the mutation.
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false } }],
      // What an index signature allows is said in brackets, so that it is seen: styles["row"].
      "@typescript-eslint/dot-notation": ["error", { allowIndexSignaturePropertyAccess: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      "max-lines": ["error", { max: 500, skipBlankLines: true, skipComments: true }],
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "Texts are never made into markup." },
        { property: "outerHTML", message: "Texts are never made into markup." },
      ],
      "no-restricted-syntax": [
        "error",
        { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: "Texts are never made into markup." },
        { selector: "CallExpression[callee.property.name='insertAdjacentHTML']", message: "Texts are never made into markup." },
        {
          selector: "JSXAttribute[name.name='type'] Literal[value=/^(date|datetime-local|month|time|week)$/]",
          message: "A browser writes days in its own language, not in the reader's: DayField, and WhenField for a moment.",
        },
      ],
      "no-restricted-globals": [
        "error",
        { name: "confirm", message: "Undo, not confirm." },
        { name: "alert", message: "Say it on the page." },
        { name: "prompt", message: "Ask on the page." },
      ],
    },
  },
);
