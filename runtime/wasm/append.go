package wasm

// AppendUint32 appends v as an unsigned LEB128 number of the shortest form.
func AppendUint32(dst []byte, v uint32) []byte {
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v))
}

// AppendInt64 appends v as a signed LEB128 number of the shortest form; an i32 or a block type is
// written the same way.
func AppendInt64(dst []byte, v int64) []byte {
	for {
		b := byte(v) & 0x7f
		v >>= 7
		if v == 0 && b&0x40 == 0 || v == -1 && b&0x40 != 0 {
			return append(dst, b)
		}
		dst = append(dst, b|0x80)
	}
}

// AppendName appends s with its length before it.
func AppendName(dst []byte, s string) []byte {
	return append(AppendUint32(dst, uint32(len(s))), s...)
}

func appendBytes(dst, b []byte) []byte {
	return append(AppendUint32(dst, uint32(len(b))), b...)
}

func appendValueTypes(dst []byte, types []ValueType) []byte {
	dst = AppendUint32(dst, uint32(len(types)))
	for _, t := range types {
		dst = append(dst, byte(t))
	}
	return dst
}

func appendLimits(dst []byte, l Limits) []byte {
	if !l.HasMax {
		return AppendUint32(append(dst, 0), l.Min)
	}
	return AppendUint32(AppendUint32(append(dst, 1), l.Min), l.Max)
}

func appendTableType(dst []byte, t TableType) []byte {
	return appendLimits(append(dst, byte(t.Element)), t.Limits)
}

func appendGlobalType(dst []byte, t GlobalType) []byte {
	if t.Mutable {
		return append(dst, byte(t.Value), 1)
	}
	return append(dst, byte(t.Value), 0)
}
