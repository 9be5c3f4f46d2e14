;; An _initialize that traps.
;;
;; upload: admitted
;; run Subscription.f: RESOLVER_TRAP "_initialize: integer divide by zero"
;; run Subscription.ok: RESOLVER_TRAP "_initialize: integer divide by zero"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func (export "_initialize")
    (drop (i32.div_u (i32.const 1) (i32.const 0))))
  (func (export "Subscription.f") (result i32) (i32.const 0))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
