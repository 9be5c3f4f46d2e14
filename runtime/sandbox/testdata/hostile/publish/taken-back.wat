;; Events of mutations that do not end well: none goes out.
;;
;; upload: admitted
;; run Mutation.trap: RESOLVER_TRAP "unreachable" published 0
;; run Mutation.burn: FUEL_EXHAUSTED fuelPerRun "all of its 10000000 units of fuel are used" published 0
;; run Mutation.skip: skip published 0
;; run Mutation.failed: failed "resolver failed" published 0
;; run Mutation.nothing: BAD_OUTPUT "without an output" published 0
;; run Mutation.memory: MEMORY_LIMIT memoryBytes "memory.grow past the limit of 16777216 bytes was refused, then the run trapped" published 0
(module
  (@custom "runnel.schema"
    "type Mutation {\n"
    "trap: String\n"
    "burn: String\n"
    "skip: String\n"
    "failed: String\n"
    "nothing: String\n"
    "memory: String\n"
    "}\n"
    "type Subscription { ok: String @on(channel: \"c\") }\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (import "runnel_v1" "publish" (func $publish (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (data (i32.const 32) "c")
  (func $event
    (drop (call $publish (i32.const 32) (i32.const 1) (i32.const 16) (i32.const 4))))
  (func (export "Mutation.trap") (result i32)
    (call $event)
    (unreachable))
  (func (export "Mutation.burn") (result i32)
    (call $event)
    (loop $again (br $again))
    (unreachable))
  (func (export "Mutation.skip") (result i32)
    (call $event)
    (i32.const 0))
  (func (export "Mutation.failed") (result i32)
    (call $event)
    (i32.const 2))
  (func (export "Mutation.nothing") (result i32)
    (call $event)
    (i32.const 1))
  (func (export "Mutation.memory") (result i32)
    (call $event)
    (drop (memory.grow (i32.const 1000)))
    (unreachable))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
