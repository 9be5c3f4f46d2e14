;; An element segment that is not there.
;;
;; upload: refused "element segment 0 does not exist" in "function 0" at 40
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") }")
  (memory (export "memory") 1)
  (func (elem.drop 0)))
