;; An _initialize that never ends.
;;
;; upload: admitted
;; run Subscription.f: FUEL_EXHAUSTED "_initialize: all of its 5000000 units of fuel are used"
;; run Subscription.ok: FUEL_EXHAUSTED "_initialize: all of its 5000000 units of fuel are used"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func (export "_initialize")
    (loop $again (br $again)))
  (func (export "Subscription.f") (result i32) (i32.const 0))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
