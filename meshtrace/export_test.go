package meshtrace

// Compare is compare for TestCompare.
var Compare = compare
