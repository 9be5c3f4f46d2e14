;; An output of a byte more than outputBytes, and one of as many; the larger one leaves nothing of
;; an earlier one.
;;
;; upload: admitted
;; run Subscription.f: LIMIT_EXCEEDED outputBytes "the output is over the limit of 1048576 bytes"
;; run Subscription.after: LIMIT_EXCEEDED outputBytes "the output is over the limit of 1048576 bytes"
;; run Subscription.within: no JSON "\x00\x00…"
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "f: String @on(channel: \"c\")\n"
    "after: String @on(channel: \"c\")\n"
    "within: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 17)
  (data (i32.const 16) "\"ok\"")
  (func (export "Subscription.f") (result i32)
    (call $output (i32.const 0) (i32.const 1048577))
    (i32.const 1))
  (func (export "Subscription.after") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (call $output (i32.const 0) (i32.const 1048577))
    (i32.const 1))
  (func (export "Subscription.within") (result i32)
    (call $output (i32.const 0) (i32.const 1048576))
    (i32.const 1))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
