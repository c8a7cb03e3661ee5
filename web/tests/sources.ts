/* The sources as syntax trees, and what in them is a text for people. */

import ts from "typescript";

const RAW = import.meta.glob<string>(["../src/**/*.{ts,tsx}", "!../src/api/schema.ts", "!../src/words/**"], {
  query: "?raw",
  import: "default",
  eager: true,
});

/** Source files of the page without its tests, by their path below src/. */
export const SOURCES: ReadonlyMap<string, ts.SourceFile> = new Map(
  Object.entries(RAW)
    .filter(([path]) => !/\.test\.tsx?$/.test(path))
    .map(([path, text]) => [path.replace("../src/", ""), parsed(path, text)]),
);

/** A source as a syntax tree. */
export function parsed(path: string, text: string): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
}

/** Attributes that people read or hear. */
const SPOKEN =
  /^(title|alt|label|placeholder|description|error|legend|summary|caption|heading|hint|nothingFoundMessage|aria-(label|description|placeholder|roledescription|valuetext))$/;
/** Elements whose text is the same in every language: keys of a keyboard, code, and the product's name. */
const SAME_EVERYWHERE = new Set(["Key", "kbd", "code", "Kbd", "Brand"]);
const SENTENCE = /^\p{Lu}[\p{L}'’]+([ ,]+[\p{L}\d'’-]+){2,}/u;
const FOREIGN = /[А-яёЁąćęłńóśźżĄĆĘŁŃÓŚŹŻ]/u;
/** Letters, other than those of our own name. */
const LETTERS = /(?!^\s*Trunkline\s*$)^[\s\S]*\p{L}{2,}/u;

/** Texts for people that stand in a source instead of a catalogue, with their lines. */
export function textsIn(source: ts.SourceFile): string[] {
  const found: string[] = [];
  const note = (node: ts.Node, text: string) => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart());
    found.push(`${line + 1}: ${text.trim()}`);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isJsxText(node) && LETTERS.test(node.text) && !isSame(node.parent)) note(node, node.text);
    if (ts.isJsxExpression(node) && !ts.isJsxAttribute(node.parent) && !isSame(node.parent)) {
      for (const text of shown(node.expression)) note(node, text);
    }
    if (ts.isJsxAttribute(node) && SPOKEN.test(node.name.getText()) && node.initializer) {
      const value = ts.isJsxExpression(node.initializer) ? node.initializer.expression : node.initializer;
      for (const text of shown(value)) note(node, text);
    }
    if (ts.isStringLiteralLike(node) && !isFault(node) && (SENTENCE.test(node.text) || FOREIGN.test(node.text))) {
      if (!ts.isJsxAttribute(node.parent) && !ts.isJsxExpression(node.parent)) note(node, node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Texts of letters that an expression can come to. */
function shown(value: ts.Expression | undefined): string[] {
  if (!value) return [];
  if (ts.isStringLiteralLike(value)) return LETTERS.test(value.text) ? [value.text] : [];
  if (ts.isParenthesizedExpression(value)) return shown(value.expression);
  if (ts.isConditionalExpression(value)) return [...shown(value.whenTrue), ...shown(value.whenFalse)];
  if (ts.isBinaryExpression(value)) {
    const { kind } = value.operatorToken;
    const isChoice = kind === ts.SyntaxKind.BarBarToken || kind === ts.SyntaxKind.QuestionQuestionToken;
    if (isChoice || kind === ts.SyntaxKind.PlusToken) return [...shown(value.left), ...shown(value.right)];
    return kind === ts.SyntaxKind.AmpersandAmpersandToken ? shown(value.right) : [];
  }
  if (ts.isTemplateExpression(value)) {
    const parts = [value.head.text, ...value.templateSpans.map((span) => span.literal.text)];
    return parts.filter((part) => LETTERS.test(part));
  }
  return [];
}

/** Whether an element's text is the same in every language. */
function isSame(parent: ts.Node): boolean {
  return ts.isJsxElement(parent) && SAME_EVERYWHERE.has(parent.openingElement.tagName.getText());
}

/** Whether a text is that of an exception, which people never see. */
function isFault(node: ts.Node): boolean {
  const { parent } = node;
  return ts.isNewExpression(parent) && parent.expression.getText().endsWith("Error");
}

/** Every text that stands in a source, and every pattern of one that is put together, for finding keys. */
export function literalsOf(source: ts.SourceFile): { texts: string[]; patterns: RegExp[] } {
  const texts: string[] = [];
  const patterns: RegExp[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) && !ts.isImportDeclaration(node.parent)) texts.push(node.text);
    if (ts.isPropertyAssignment(node) && ts.isIdentifier(node.name)) texts.push(node.name.text);
    if (ts.isTemplateExpression(node)) {
      const parts = [node.head.text, ...node.templateSpans.map((span) => span.literal.text)];
      if (parts.join("").length > 1) patterns.push(new RegExp(`^${parts.map(escaped).join("[\\w.-]+")}$`));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return { texts, patterns };
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
