#pragma once

/// Reads the kernel's queues on a live host and says where requests wait, are lost, and why.
namespace forebay::doctor {}
