;; Outputs that are no JSON, though some parsers take them.
;;
;; upload: admitted
;; run Subscription.cut: no JSON "{\"a\":1"
;; run Subscription.trailing: no JSON "1 2"
;; run Subscription.comma: no JSON "[1,]"
;; run Subscription.nan: no JSON "NaN"
;; run Subscription.zero: no JSON "01"
;; run Subscription.plus: no JSON "+1"
;; run Subscription.hex: no JSON "0x10"
;; run Subscription.quotes: no JSON "'a'"
;; run Subscription.control: no JSON "\"\x00\""
;; run Subscription.newline: no JSON "\"\n\""
;; run Subscription.escape: no JSON "\"\\q\""
;; run Subscription.mark: no JSON "\xef\xbb\xbf1"
;; run Subscription.space: no JSON " "
;; run Subscription.comment: no JSON "/**/1"
;; run Subscription.loneSurrogate: no JSON "\"\\ud800\""
;; run Subscription.two: no JSON "{}{}"
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "cut: String @on(channel: \"c\")\n"
    "trailing: String @on(channel: \"c\")\n"
    "comma: String @on(channel: \"c\")\n"
    "nan: String @on(channel: \"c\")\n"
    "zero: String @on(channel: \"c\")\n"
    "plus: String @on(channel: \"c\")\n"
    "hex: String @on(channel: \"c\")\n"
    "quotes: String @on(channel: \"c\")\n"
    "control: String @on(channel: \"c\")\n"
    "newline: String @on(channel: \"c\")\n"
    "escape: String @on(channel: \"c\")\n"
    "mark: String @on(channel: \"c\")\n"
    "space: String @on(channel: \"c\")\n"
    "comment: String @on(channel: \"c\")\n"
    "loneSurrogate: String @on(channel: \"c\")\n"
    "two: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (data (i32.const 64) "{\22a\22:1")
  (func (export "Subscription.cut") (result i32)
    (call $output (i32.const 64) (i32.const 6))
    (i32.const 1))
  (data (i32.const 96) "1 2")
  (func (export "Subscription.trailing") (result i32)
    (call $output (i32.const 96) (i32.const 3))
    (i32.const 1))
  (data (i32.const 128) "[1,]")
  (func (export "Subscription.comma") (result i32)
    (call $output (i32.const 128) (i32.const 4))
    (i32.const 1))
  (data (i32.const 160) "NaN")
  (func (export "Subscription.nan") (result i32)
    (call $output (i32.const 160) (i32.const 3))
    (i32.const 1))
  (data (i32.const 192) "01")
  (func (export "Subscription.zero") (result i32)
    (call $output (i32.const 192) (i32.const 2))
    (i32.const 1))
  (data (i32.const 224) "+1")
  (func (export "Subscription.plus") (result i32)
    (call $output (i32.const 224) (i32.const 2))
    (i32.const 1))
  (data (i32.const 256) "0x10")
  (func (export "Subscription.hex") (result i32)
    (call $output (i32.const 256) (i32.const 4))
    (i32.const 1))
  (data (i32.const 288) "'a'")
  (func (export "Subscription.quotes") (result i32)
    (call $output (i32.const 288) (i32.const 3))
    (i32.const 1))
  (data (i32.const 320) "\22\00\22")
  (func (export "Subscription.control") (result i32)
    (call $output (i32.const 320) (i32.const 3))
    (i32.const 1))
  (data (i32.const 352) "\22\0a\22")
  (func (export "Subscription.newline") (result i32)
    (call $output (i32.const 352) (i32.const 3))
    (i32.const 1))
  (data (i32.const 384) "\22\5cq\22")
  (func (export "Subscription.escape") (result i32)
    (call $output (i32.const 384) (i32.const 4))
    (i32.const 1))
  (data (i32.const 416) "\ef\bb\bf1")
  (func (export "Subscription.mark") (result i32)
    (call $output (i32.const 416) (i32.const 4))
    (i32.const 1))
  (data (i32.const 448) " ")
  (func (export "Subscription.space") (result i32)
    (call $output (i32.const 448) (i32.const 1))
    (i32.const 1))
  (data (i32.const 480) "/**/1")
  (func (export "Subscription.comment") (result i32)
    (call $output (i32.const 480) (i32.const 5))
    (i32.const 1))
  (data (i32.const 512) "\22\5cud800\22")
  (func (export "Subscription.loneSurrogate") (result i32)
    (call $output (i32.const 512) (i32.const 8))
    (i32.const 1))
  (data (i32.const 544) "{}{}")
  (func (export "Subscription.two") (result i32)
    (call $output (i32.const 544) (i32.const 4))
    (i32.const 1))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
