/** Label selectors and field selectors, as they stand in the query of a list or a watch. */
export {
  builtInFields,
  compileFieldSelector,
  customResourceFields,
  parseFieldSelector,
} from './field-selector.js';
export type { FieldRequirement, FieldSelector, ReadField, SelectableFields } from './field-selector.js';
export { labelSelectorOf, labelsOf, matchesLabels, parseLabelSelector } from './label-selector.js';
export type { LabelOperator, LabelRequirement, Labels, LabelSelector } from './label-selector.js';
