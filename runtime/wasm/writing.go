package wasm

import (
	"bytes"
	"crypto/sha256"
)

// The binary format leaves a choice: a number may have more bytes than it needs, which linkers use to
// fill it in later, and a section may be there and empty. What a section was made of is kept where
// it differs from what the encoder would choose, so that a module that nobody changed is encoded to
// the bytes it was decoded from.

// writing is how a section was written in the file. The zero value stands for the shortest form.
type writing struct {
	sizeWidth uint8 // bytes of the section's size, where more than need be
	// content is the section as it was, nil where it had the shortest form, whose digest is shortest.
	content  []byte
	shortest [sha256.Size]byte
}

// as tells whether the section was written as w.content says, and has not been changed since.
// shortest is its content now.
func (w *writing) as(shortest []byte) bool {
	return w.content != nil && sha256.Sum256(shortest) == w.shortest
}

// noteWriting keeps how the section that was just read is written.
func (d *decoder) noteWriting(id SectionID, sizeWidth uint8, content []byte) {
	w := &d.m.written[id]
	w.sizeWidth = sizeWidth
	if d.failed() || !d.longer && d.m.sectionLen(id) > 0 {
		return
	}
	var e encoder
	e.content(&d.m, id)
	if !bytes.Equal(e.body, content) {
		w.content, w.shortest = content, sha256.Sum256(e.body)
	}
}

// widthBeyondNeed returns the width, in bytes, of the number v as it was read, 0 where v needs them all.
func widthBeyondNeed(v uint32, width int) uint8 {
	if width == len(AppendUint32(nil, v)) {
		return 0
	}
	return uint8(width)
}

// appendWide appends v as an unsigned LEB128 number of that many bytes, or more where it needs them.
func appendWide(dst []byte, v uint32, width uint8) []byte {
	for ; width > 1 || v >= 0x80; v >>= 7 {
		dst = append(dst, byte(v)|0x80)
		width = max(width, 1) - 1
	}
	return append(dst, byte(v))
}
