package meter

// components returns the strongly connected components of a graph, given by the callees of each vertex,
// each behind those that it calls. It is Tarjan's algorithm (SIAM Journal on Computing 1, 1972) without
// recursion: the guest chose the depth.
func components(callees [][]uint32) [][]uint32 {
	t := tarjan{
		callees: callees, index: make([]int, len(callees)), low: make([]int, len(callees)), next: make([]int, len(callees)),
		open: make([]bool, len(callees)),
	}
	for root := range callees {
		if t.index[root] == 0 {
			t.search(uint32(root))
		}
	}
	return t.found
}

type tarjan struct {
	callees    [][]uint32
	index, low []int  // by vertex; index 0 is not visited yet
	next       []int  // the callee to look at next
	open       []bool // on stack
	stack      []uint32
	count      int
	found      [][]uint32
}

func (t *tarjan) search(root uint32) {
	t.visit(root)
	for path := []uint32{root}; len(path) > 0; {
		v := path[len(path)-1]
		if t.next[v] < len(t.callees[v]) {
			w := t.callees[v][t.next[v]]
			t.next[v]++
			if t.index[w] == 0 {
				t.visit(w)
				path = append(path, w)
			} else if t.open[w] {
				t.low[v] = min(t.low[v], t.index[w])
			}
			continue
		}
		path = path[:len(path)-1]
		if len(path) > 0 {
			u := path[len(path)-1]
			t.low[u] = min(t.low[u], t.low[v])
		}
		if t.low[v] == t.index[v] {
			t.close(v)
		}
	}
}

func (t *tarjan) visit(v uint32) {
	t.count++
	t.index[v], t.low[v], t.open[v] = t.count, t.count, true
	t.stack = append(t.stack, v)
}

// close takes the component of v, the first of it that was visited, from the stack.
func (t *tarjan) close(v uint32) {
	first := len(t.stack) - 1
	for t.stack[first] != v {
		first--
	}
	component := append([]uint32(nil), t.stack[first:]...)
	for _, w := range component {
		t.open[w] = false
	}
	t.stack = t.stack[:first]
	t.found = append(t.found, component)
}
