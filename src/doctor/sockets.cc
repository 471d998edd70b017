#include "doctor/sockets.h"
