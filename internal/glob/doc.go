// Package glob is doublestar's globs with a bound on what one of them may cost.
//
// A list of entries comes from whoever may write to etcd. Braces multiply: thirty
// pairs of two alternatives are a thousand million patterns, and a library that tries
// them while it matches needs as long for one name. So a pattern is measured first,
// without expanding it; what is within the bounds is expanded once into patterns
// without braces, each of which is matched in a time that grows with its length times
// that of the name.
//
// The package stands alone. A Glob may be used by several goroutines.
package glob
