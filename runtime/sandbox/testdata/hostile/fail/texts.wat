;; Errors that are no JSON, not quite what is asked for, or not UTF-8: the text itself is the
;; message then, mended.
;;
;; upload: admitted
;; run Subscription.empty: failed ""
;; run Subscription.invalid: failed "a�b"
;; run Subscription.cut: failed "{\"message\":\"a\""
;; run Subscription.number: failed "{\"message\":1}"
;; run Subscription.list: failed "[\"message\"]"
;; run Subscription.surrogate: failed "{\"message\":\"�\"}"
;; run Subscription.twice: failed "{\"message\":\"a\",\"message\":\"b\"}"
;; run Subscription.control: failed "a\x00\x1b[2Jb\nc"
;; run Subscription.extensions: failed "m"
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "empty: String @on(channel: \"c\")\n"
    "invalid: String @on(channel: \"c\")\n"
    "cut: String @on(channel: \"c\")\n"
    "number: String @on(channel: \"c\")\n"
    "list: String @on(channel: \"c\")\n"
    "surrogate: String @on(channel: \"c\")\n"
    "twice: String @on(channel: \"c\")\n"
    "control: String @on(channel: \"c\")\n"
    "extensions: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (import "runnel_v1" "fail" (func $fail (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (data (i32.const 64) "")
  (func (export "Subscription.empty") (result i32)
    (call $fail (i32.const 64) (i32.const 0))
    (i32.const 2))
  (data (i32.const 80) "a\ff\feb")
  (func (export "Subscription.invalid") (result i32)
    (call $fail (i32.const 80) (i32.const 4))
    (i32.const 2))
  (data (i32.const 112) "{\22message\22:\22a\22")
  (func (export "Subscription.cut") (result i32)
    (call $fail (i32.const 112) (i32.const 14))
    (i32.const 2))
  (data (i32.const 144) "{\22message\22:1}")
  (func (export "Subscription.number") (result i32)
    (call $fail (i32.const 144) (i32.const 13))
    (i32.const 2))
  (data (i32.const 176) "[\22message\22]")
  (func (export "Subscription.list") (result i32)
    (call $fail (i32.const 176) (i32.const 11))
    (i32.const 2))
  (data (i32.const 208) "{\22message\22:\22\ed\a0\80\22}")
  (func (export "Subscription.surrogate") (result i32)
    (call $fail (i32.const 208) (i32.const 17))
    (i32.const 2))
  (data (i32.const 256) "{\22message\22:\22a\22,\22message\22:\22b\22}")
  (func (export "Subscription.twice") (result i32)
    (call $fail (i32.const 256) (i32.const 29))
    (i32.const 2))
  (data (i32.const 304) "a\00\1b[2Jb\0ac")
  (func (export "Subscription.control") (result i32)
    (call $fail (i32.const 304) (i32.const 9))
    (i32.const 2))
  (data (i32.const 336) "{\22message\22:\22m\22,\22extensions\22:[1]}")
  (func (export "Subscription.extensions") (result i32)
    (call $fail (i32.const 336) (i32.const 32))
    (i32.const 2))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
