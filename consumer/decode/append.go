package decode

import (
	"encoding/base64"
	"errors"
	"math"
	"strconv"
)

// maxDepth bounds the nesting of values, whose schemas may be recursive.
const maxDepth = 200

var errDepth = errors.New("the value is nested too deeply")

// appendFloat writes a number, or as text what JSON has no number for.
func appendFloat(dst []byte, f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return strconv.AppendQuote(dst, strconv.FormatFloat(f, 'g', -1, bits))
	}
	return strconv.AppendFloat(dst, f, 'g', -1, bits)
}

func appendBase64(dst, b []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}
