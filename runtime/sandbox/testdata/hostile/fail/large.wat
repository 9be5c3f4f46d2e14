;; Errors over outputBytes, of as many bytes, and nested by half a mebibyte.
;;
;; upload: admitted
;; run Subscription.f: LIMIT_EXCEEDED outputBytes "over the limit of 1048576 bytes"
;; run Subscription.within: failed "\x00\x00…"
;; run Subscription.deep: failed "{\"message\":\"m\",\"extensions\":[[[[…"
;; run Subscription.forgotten: skip
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "f: String @on(channel: \"c\")\n"
    "within: String @on(channel: \"c\")\n"
    "deep: String @on(channel: \"c\")\n"
    "forgotten: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (import "runnel_v1" "fail" (func $fail (param i32 i32)))
  (memory (export "memory") 20)
  (data (i32.const 16) "\"ok\"")
  (data (i32.const 1024) "{\"message\":\"m\",\"extensions\":")
  (func (export "Subscription.f") (result i32)
    (call $fail (i32.const 0) (i32.const 1048577))
    (i32.const 2))
  (func (export "Subscription.within") (result i32)
    (call $fail (i32.const 65536) (i32.const 1048576))
    (i32.const 2))
  (func (export "Subscription.deep") (result i32)
    (memory.fill (i32.const 1052) (i32.const 0x5b) (i32.const 0x80000))
    (call $fail (i32.const 1024) (i32.const 0x80000))
    (i32.const 2))
  (func (export "Subscription.forgotten") (result i32)
    (call $fail (i32.const 16) (i32.const 4))
    (i32.const 0))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
