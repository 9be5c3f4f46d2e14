;; A memory with a maximum of its own, which is what refuses; the trap after it is an ordinary one.
;;
;; upload: admitted
;; run Subscription.f: RESOLVER_TRAP "unreachable"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1 2)
  (data (i32.const 16) "\"ok\"")
  (func (export "Subscription.f") (result i32)
    (if (i32.eq (memory.grow (i32.const 2)) (i32.const -1)) (then (unreachable)))
    (i32.const 0))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
