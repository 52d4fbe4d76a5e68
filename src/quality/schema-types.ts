export const dataTypes = ['integer', 'number', 'string', 'boolean', 'date', 'datetime'] as const;
export type DataType = (typeof dataTypes)[number];
export type Scalar = string | number | boolean;
