;; Names that no channel has: publish gives 2.
;;
;; upload: admitted
;; run Mutation.empty: deliver "\"ok\"" published 0
;; run Mutation.space: deliver "\"ok\"" published 0
;; run Mutation.slash: deliver "\"ok\"" published 0
;; run Mutation.star: deliver "\"ok\"" published 0
;; run Mutation.null: deliver "\"ok\"" published 0
;; run Mutation.newline: deliver "\"ok\"" published 0
;; run Mutation.invalid: deliver "\"ok\"" published 0
;; run Mutation.accent: deliver "\"ok\"" published 0
;; run Mutation.dollar: deliver "\"ok\"" published 0
;; run Mutation.long: deliver "\"ok\"" published 0
;; run Mutation.huge: deliver "\"ok\"" published 0
(module
  (@custom "runnel.schema"
    "type Mutation {\n"
    "empty: String\n"
    "space: String\n"
    "slash: String\n"
    "star: String\n"
    "null: String\n"
    "newline: String\n"
    "invalid: String\n"
    "accent: String\n"
    "dollar: String\n"
    "long: String\n"
    "huge: String\n"
    "}\n"
    "type Subscription { ok: String @on(channel: \"c\") }\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (import "runnel_v1" "publish" (func $publish (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (data (i32.const 32) "c")
  (func $refused (param $result i32) (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (select (i32.const 1) (i32.const 9) (i32.eq (local.get $result) (i32.const 2))))
  (data (i32.const 64) "")
  (func (export "Mutation.empty") (result i32)
    (call $refused (call $publish (i32.const 64) (i32.const 0) (i32.const 16) (i32.const 4))))
  (data (i32.const 80) "a b")
  (func (export "Mutation.space") (result i32)
    (call $refused (call $publish (i32.const 80) (i32.const 3) (i32.const 16) (i32.const 4))))
  (data (i32.const 112) "a/b")
  (func (export "Mutation.slash") (result i32)
    (call $refused (call $publish (i32.const 112) (i32.const 3) (i32.const 16) (i32.const 4))))
  (data (i32.const 144) "*")
  (func (export "Mutation.star") (result i32)
    (call $refused (call $publish (i32.const 144) (i32.const 1) (i32.const 16) (i32.const 4))))
  (data (i32.const 176) "a\00")
  (func (export "Mutation.null") (result i32)
    (call $refused (call $publish (i32.const 176) (i32.const 2) (i32.const 16) (i32.const 4))))
  (data (i32.const 208) "c\0a")
  (func (export "Mutation.newline") (result i32)
    (call $refused (call $publish (i32.const 208) (i32.const 2) (i32.const 16) (i32.const 4))))
  (data (i32.const 240) "\ff")
  (func (export "Mutation.invalid") (result i32)
    (call $refused (call $publish (i32.const 240) (i32.const 1) (i32.const 16) (i32.const 4))))
  (data (i32.const 272) "\c3\a9")
  (func (export "Mutation.accent") (result i32)
    (call $refused (call $publish (i32.const 272) (i32.const 2) (i32.const 16) (i32.const 4))))
  (data (i32.const 304) "$c")
  (func (export "Mutation.dollar") (result i32)
    (call $refused (call $publish (i32.const 304) (i32.const 2) (i32.const 16) (i32.const 4))))
  (func (export "Mutation.long") (result i32)
    (memory.fill (i32.const 1024) (i32.const 0x63) (i32.const 201))
    (call $refused (call $publish (i32.const 1024) (i32.const 201) (i32.const 16) (i32.const 4))))
  (func (export "Mutation.huge") (result i32)
    (memory.fill (i32.const 1024) (i32.const 0x63) (i32.const 60000))
    (call $refused (call $publish (i32.const 1024) (i32.const 60000) (i32.const 16) (i32.const 4))))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
