;; Payloads that are no JSON as events have it: publish gives 2.
;;
;; upload: admitted
;; run Mutation.empty: deliver "\"ok\"" published 0
;; run Mutation.cut: deliver "\"ok\"" published 0
;; run Mutation.two: deliver "\"ok\"" published 0
;; run Mutation.invalid: deliver "\"ok\"" published 0
;; run Mutation.twice: deliver "\"ok\"" published 0
;; run Mutation.escapedTwice: deliver "\"ok\"" published 0
;; run Mutation.surrogate: deliver "\"ok\"" published 0
;; run Mutation.nan: deliver "\"ok\"" published 0
;; run Mutation.control: deliver "\"ok\"" published 0
;; run Mutation.deep: deliver "\"ok\"" published 0
;; run Mutation.within: deliver "\"ok\"" published 1
(module
  (@custom "runnel.schema"
    "type Mutation {\n"
    "empty: String\n"
    "cut: String\n"
    "two: String\n"
    "invalid: String\n"
    "twice: String\n"
    "escapedTwice: String\n"
    "surrogate: String\n"
    "nan: String\n"
    "control: String\n"
    "deep: String\n"
    "within: String\n"
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
    (call $refused (call $publish (i32.const 32) (i32.const 1) (i32.const 64) (i32.const 0))))
  (data (i32.const 80) "{\22a\22:")
  (func (export "Mutation.cut") (result i32)
    (call $refused (call $publish (i32.const 32) (i32.const 1) (i32.const 80) (i32.const 5))))
  (data (i32.const 112) "1 2")
  (func (export "Mutation.two") (result i32)
    (call $refused (call $publish (i32.const 32) (i32.const 1) (i32.const 112) (i32.const 3))))
  (data (i32.const 144) "\22\ff\22")
  (func (export "Mutation.invalid") (result i32)
    (call $refused (call $publish (i32.const 32) (i32.const 1) (i32.const 144) (i32.const 3))))
  (data (i32.const 176) "{\22a\22:1,\22a\22:2}")
  (func (export "Mutation.twice") (result i32)
    (call $refused (call $publish (i32.const 32) (i32.const 1) (i32.const 176) (i32.const 13))))
  (data (i32.const 208) "{\22a\22:1,\22\5cu0061\22:2}")
  (func (export "Mutation.escapedTwice") (result i32)
    (call $refused (call $publish (i32.const 32) (i32.const 1) (i32.const 208) (i32.const 18))))
  (data (i32.const 256) "\22\5cudc00\22")
  (func (export "Mutation.surrogate") (result i32)
    (call $refused (call $publish (i32.const 32) (i32.const 1) (i32.const 256) (i32.const 8))))
  (data (i32.const 288) "NaN")
  (func (export "Mutation.nan") (result i32)
    (call $refused (call $publish (i32.const 32) (i32.const 1) (i32.const 288) (i32.const 3))))
  (data (i32.const 320) "\22\1f\22")
  (func (export "Mutation.control") (result i32)
    (call $refused (call $publish (i32.const 32) (i32.const 1) (i32.const 320) (i32.const 3))))
  (func $nested (param $levels i32) (result i32)
    (memory.fill (i32.const 1024) (i32.const 0x5b) (local.get $levels))
    (memory.fill (i32.add (i32.const 1024) (local.get $levels)) (i32.const 0x5d) (local.get $levels))
    (call $publish (i32.const 32) (i32.const 1) (i32.const 1024) (i32.shl (local.get $levels) (i32.const 1))))
  (func (export "Mutation.deep") (result i32)
    (drop (call $refused (call $nested (i32.const 30000))))
    (call $refused (call $nested (i32.const 65))))
  (func (export "Mutation.within") (result i32)
    (call $refused (i32.add (i32.const 2) (call $nested (i32.const 64)))))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
