;; Kinds of input that there are not, and names of bytes that are not UTF-8: -1 for each.
;;
;; upload: admitted
;; run Subscription.f: skip
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "input" (func $input (param i32 i32 i32) (result i32)))
  (import "runnel_v1" "argument" (func $argument (param i32 i32 i32 i32) (result i32)))
  (import "runnel_v1" "claim" (func $claim (param i32 i32 i32 i32) (result i32)))
  (import "runnel_v1" "permitted" (func $permitted (param i32 i32) (result i32)))
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (data (i32.const 32) "\ff\00")
  (func (export "Subscription.f") (result i32)
    (i32.and
      (i32.and
        (i32.and (call $input (i32.const -1) (i32.const 64) (i32.const 64))
          (call $input (i32.const 5) (i32.const 64) (i32.const 64)))
        (i32.and (call $input (i32.const 0x80000000) (i32.const 64) (i32.const 64))
          (call $input (i32.const 0x100) (i32.const 64) (i32.const 64))))
      (i32.and (call $argument (i32.const 32) (i32.const 2) (i32.const 64) (i32.const 64))
        (call $claim (i32.const 32) (i32.const 2) (i32.const 64) (i32.const 64))))
    (i32.add (i32.const 1))
    (i32.or (call $permitted (i32.const 32) (i32.const 2))))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
