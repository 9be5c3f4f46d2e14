;; A number of five bytes that is larger than 32 bits.
;;
;; upload: refused "number is longer than 32 bits" at 9
(module binary
  "\00asm\01\00\00\00"
  "\01\84\80\80\80\10\01\60\00\00") ;; the size of the type section
