;; Indices of 2^32 - 1.
;;
;; upload: refused "function 4294967295 does not exist" in "function 0" at 40
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func (call 4294967295)))
