;; A local behind the last, where a rewriter may keep its own.
;;
;; upload: refused "local 1 does not exist" in "function 0" at 41
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func (param i32) (drop (local.get 1))))
