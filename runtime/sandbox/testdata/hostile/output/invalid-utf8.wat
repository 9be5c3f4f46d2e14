;; Outputs that are not UTF-8: a stray byte, a cut character, a surrogate, an overlong character, a
;; character past the last.
;;
;; upload: admitted
;; run Subscription.stray: no JSON "\"a\xffb\""
;; run Subscription.cut: no JSON "\"\xc3\""
;; run Subscription.surrogate: no JSON "\"\xed\xa0\x80\""
;; run Subscription.overlong: no JSON "\"\xc0\xaf\""
;; run Subscription.tooLarge: no JSON "\"\xf4\x90\x80\x80\""
;; run Subscription.key: no JSON "{\"\xff\":1}"
;; run Subscription.bare: no JSON "\xff"
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "stray: String @on(channel: \"c\")\n"
    "cut: String @on(channel: \"c\")\n"
    "surrogate: String @on(channel: \"c\")\n"
    "overlong: String @on(channel: \"c\")\n"
    "tooLarge: String @on(channel: \"c\")\n"
    "key: String @on(channel: \"c\")\n"
    "bare: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (data (i32.const 64) "\22a\ffb\22")
  (func (export "Subscription.stray") (result i32)
    (call $output (i32.const 64) (i32.const 5))
    (i32.const 1))
  (data (i32.const 96) "\22\c3\22")
  (func (export "Subscription.cut") (result i32)
    (call $output (i32.const 96) (i32.const 3))
    (i32.const 1))
  (data (i32.const 128) "\22\ed\a0\80\22")
  (func (export "Subscription.surrogate") (result i32)
    (call $output (i32.const 128) (i32.const 5))
    (i32.const 1))
  (data (i32.const 160) "\22\c0\af\22")
  (func (export "Subscription.overlong") (result i32)
    (call $output (i32.const 160) (i32.const 4))
    (i32.const 1))
  (data (i32.const 192) "\22\f4\90\80\80\22")
  (func (export "Subscription.tooLarge") (result i32)
    (call $output (i32.const 192) (i32.const 6))
    (i32.const 1))
  (data (i32.const 224) "{\22\ff\22:1}")
  (func (export "Subscription.key") (result i32)
    (call $output (i32.const 224) (i32.const 7))
    (i32.const 1))
  (data (i32.const 256) "\ff")
  (func (export "Subscription.bare") (result i32)
    (call $output (i32.const 256) (i32.const 1))
    (i32.const 1))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
