;; A start function that calls itself.
;;
;; upload: admitted
;; run Subscription.f: RESOLVER_TRAP "start: " "stack"
;; run Subscription.ok: RESOLVER_TRAP "start: " "stack"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (start $begin)
  (func $begin
    (call $begin))
  (func (export "Subscription.f") (result i32) (i32.const 0))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
