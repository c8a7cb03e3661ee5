export {
  FieldFrame,
  SavedChoice,
  SavedDay,
  SavedLines,
  SavedNumber,
  SavedSegments,
  SavedText,
  type Choice,
  type FieldProps,
} from "./Fields";
export { Conflict, SavedWord } from "./SavedState";
export { useDraft } from "./useDraft";
export { useSaved, type SavedField, type SavedOptions } from "./useSaved";
