import Foundation

/// What is said beside the output: on standard error, each line with the program's name, so that it can be told from
/// what else ends up there.
struct Note {
  let text: String

  init(_ text: String) {
    self.text = text.split(separator: "\n").map { "strandline: \($0)\n" }.joined()
  }

  func write() throws {
    try FileWriter.write(Array(text.utf8), to: STDERR_FILENO)
  }
}
