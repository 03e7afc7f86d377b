package main

import "github.com/urfave/cli/v2"

// namedFlag is a flag that keeps its names. The library finds them by a regular expression
// at each look, and looks at the names of all flags for each flag: that was a third of the
// time of a run on a small input.
type namedFlag struct {
	anyFlag
	names []string
}

// namedSliceFlag is a namedFlag that may be repeated. It is a StringSliceFlag, because the
// library splits the values of other types at commas.
type namedSliceFlag struct {
	*cli.StringSliceFlag
	names []string
}

// anyFlag is what the library looks for in the flags of all types.
type anyFlag interface {
	cli.CategorizableFlag
	cli.DocGenerationFlag
	cli.RequiredFlag
	cli.ActionableFlag
}

// Names returns the long name of the flag, and the short one.
func (f *namedFlag) Names() []string { return f.names }

// String returns the name by which the library keeps the flag. Its own text of a flag takes
// long, and help has another.
func (f *namedFlag) String() string { return f.names[0] }

func (f *namedSliceFlag) Names() []string { return f.names }
func (f *namedSliceFlag) String() string  { return f.names[0] }

// withNames returns flags that keep their names.
func withNames(flags []cli.Flag) []cli.Flag {
	named := make([]cli.Flag, len(flags))
	for i, flag := range flags {
		switch flag := flag.(type) {
		case *cli.StringSliceFlag:
			named[i] = &namedSliceFlag{flag, flag.Names()}
		case anyFlag:
			named[i] = &namedFlag{flag, flag.Names()}
		default:
			named[i] = flag
		}
	}
	return named
}

// isRepeatable reports whether a flag may be repeated.
func isRepeatable(flag cli.Flag) bool {
	_, repeatable := flag.(cli.DocGenerationSliceFlag)
	return repeatable
}

// takesValue reports whether a flag has a value.
func takesValue(flag cli.Flag) bool {
	about, ok := flag.(cli.DocGenerationFlag)
	return !ok || about.TakesValue()
}
