// Owns presence for pages that are written with React.
// Called by such pages, as a module.
// Never brings a React of its own.
export {};
