;; A section that says it is longer than its content.
;;
;; upload: refused "section is larger than its content" at 14
(module binary
  "\00asm\01\00\00\00"
  "\01\05\01\60\00\00\00") ;; a type section of 5 bytes, with 4 and one more
