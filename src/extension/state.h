#pragma once

#include "extension/py.h"

namespace forebay::extension {

/// What the module looks up once, when it is imported. Passed on, never global.
struct State {
  Ref bytes_io;          // io.BytesIO
  Ref open;              // io.open
  Ref file_io;           // io.FileIO
  Ref format_exception;  // traceback.format_exception
  Ref close;             // the string "close"
  Ref worker_type;
  Ref file_wrapper_type;
  Ref responder_type;
  Ref client_watch_type;
};

}  // namespace forebay::extension
