/** What is declared is read by reports and by operations alike. */
export * from '../../reports/policies/declared.js'
