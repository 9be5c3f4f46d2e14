;; A vector instruction whose result is the machine's own affair.
;;
;; upload: refused "not supported: relaxed vector instructions" in "function 0" at 94
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func (drop (f32x4.relaxed_madd (v128.const i64x2 0 0) (v128.const i64x2 0 0) (v128.const i64x2 0 0)))))
