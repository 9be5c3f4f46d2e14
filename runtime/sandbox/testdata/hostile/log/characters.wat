;; Lines with control characters, escape sequences, direction marks and bytes that are not UTF-8:
;; they stay one line each, of valid UTF-8.
;;
;; upload: admitted
;; run Subscription.newline: skip logged 1
;; run Subscription.escape: skip logged 1
;; run Subscription.null: skip logged 1
;; run Subscription.invalid: skip logged 1
;; run Subscription.bidirectional: skip logged 1
;; run Subscription.separator: skip logged 1
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "newline: String @on(channel: \"c\")\n"
    "escape: String @on(channel: \"c\")\n"
    "null: String @on(channel: \"c\")\n"
    "invalid: String @on(channel: \"c\")\n"
    "bidirectional: String @on(channel: \"c\")\n"
    "separator: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (import "runnel_v1" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (data (i32.const 64) "real\0a2026-01-01 ERROR forged")
  (func (export "Subscription.newline") (result i32)
    (call $log (i32.const 1) (i32.const 64) (i32.const 28))
    (i32.const 0))
  (data (i32.const 112) "\1b[2J\1b]0;title\07\9b31m")
  (func (export "Subscription.escape") (result i32)
    (call $log (i32.const 1) (i32.const 112) (i32.const 18))
    (i32.const 0))
  (data (i32.const 160) "a\00b")
  (func (export "Subscription.null") (result i32)
    (call $log (i32.const 1) (i32.const 160) (i32.const 3))
    (i32.const 0))
  (data (i32.const 192) "\ff\fe\c3(")
  (func (export "Subscription.invalid") (result i32)
    (call $log (i32.const 1) (i32.const 192) (i32.const 4))
    (i32.const 0))
  (data (i32.const 224) "\e2\80\aeabc")
  (func (export "Subscription.bidirectional") (result i32)
    (call $log (i32.const 1) (i32.const 224) (i32.const 6))
    (i32.const 0))
  (data (i32.const 256) "a\e2\80\a8b\c2\85c")
  (func (export "Subscription.separator") (result i32)
    (call $log (i32.const 1) (i32.const 256) (i32.const 8))
    (i32.const 0))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
