#pragma once

/// The commands of the program, one file each. argv[0] is the command's name; what they return is
/// the exit code, 2 for arguments that make no sense.
namespace forebay::cli {

int serve_main(int argc, char** argv);
int report_main(int argc, char** argv);
int plot_main(int argc, char** argv);
int encode_main(int argc, char** argv);
int doctor_main(int argc, char** argv);
int attack_main(int argc, char** argv);
int lab_main(int argc, char** argv);

}  // namespace forebay::cli
