;; A number of six bytes where five are the most.
;;
;; upload: refused "number is longer than 32 bits" at 9
(module binary
  "\00asm\01\00\00\00"
  "\01\84\80\80\80\80\00\01\60\00\00") ;; the size of the type section
