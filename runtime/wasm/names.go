package wasm

// NameSection is the name of the custom section that holds names for debugging.
const NameSection = "name"

const functionNames = 1 // the subsection

// FunctionName is the name that the name section gives to a function.
type FunctionName struct {
	Index uint32 // in the function index space
	Name  string
}

// FunctionNames returns the names of the name section in its order, without those of functions that
// do not exist. Names never make a module fail: of a broken section, what comes before the fault
// counts.
func (m *Module) FunctionNames() []FunctionName {
	b, ok := m.CustomSection(NameSection)
	if !ok {
		return nil
	}
	c := cursor{data: b, end: len(b)}
	for c.more() {
		id := c.byte()
		content := c.take(uint64(c.u32()))
		if id == functionNames && !c.failed() {
			return m.parseNames(content)
		}
	}
	return nil
}

func (m *Module) parseNames(b []byte) []FunctionName {
	functions := uint64(m.ImportedCount(Function) + len(m.Functions))
	c := cursor{data: b, end: len(b)}
	var names []FunctionName
	for range c.u32() {
		n := FunctionName{Index: c.u32(), Name: c.name()}
		if c.failed() {
			break
		}
		if uint64(n.Index) < functions {
			names = append(names, n)
		}
	}
	return names
}

// EncodeFunctionNames returns the content of a name section that names functions only. The indices
// have to ascend.
func EncodeFunctionNames(names []FunctionName) []byte {
	content := AppendUint32(nil, uint32(len(names)))
	for _, n := range names {
		content = AppendName(AppendUint32(content, n.Index), n.Name)
	}
	return appendBytes([]byte{functionNames}, content)
}
