;; A label of a block that is not there.
;;
;; upload: refused "label 2 does not exist" in "function 0" at 42
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func (block (br 2))))
