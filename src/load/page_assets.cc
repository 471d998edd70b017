#include "load/page_assets.h"

// The assembler copies the files into the read-only data. FOREBAY_WEB_DIR and FOREBAY_UPLOT_DIR
// come from CMake, which also knows that this file depends on them.
#define EMBED(name, file)                                                           \
  asm(".pushsection .rodata\n" #name "_begin: .incbin \"" file "\"\n" #name         \
      "_end: .byte 0\n.popsection\n");                                              \
  extern "C" const char name##_begin[]; /* NOLINT(readability-identifier-naming) */ \
  extern "C" const char name##_end[];   /* NOLINT(readability-identifier-naming) */ \
  std::string_view forebay::load::assets::name() { return {name##_begin, name##_end}; }

EMBED(page_html, FOREBAY_WEB_DIR "/page.html")
EMBED(page_css, FOREBAY_WEB_DIR "/page.css")
EMBED(page_js, FOREBAY_WEB_DIR "/page.js")
EMBED(uplot_css, FOREBAY_UPLOT_DIR "/uPlot.min.css")
EMBED(uplot_js, FOREBAY_UPLOT_DIR "/uPlot.iife.min.js")
EMBED(uplot_license, FOREBAY_UPLOT_DIR "/LICENSE")
