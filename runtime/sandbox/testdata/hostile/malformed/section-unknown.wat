;; A section that there is not.
;;
;; upload: refused "unknown section 14" at 8
(module binary
  "\00asm\01\00\00\00"
  "\0e\00") ;; section 14
