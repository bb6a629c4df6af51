import Foundation
import Testing

@testable import strandline

@Suite("The README")
struct ReadmeTests {
  @Test("holds the table of settings as `strandline config reference` prints it")
  func settings() throws {
    let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let readme = try String(contentsOf: top.appendingPathComponent("README.md"), encoding: .utf8)
    #expect(readme.contains(SettingsReport.markdown().trimmingCharacters(in: .whitespacesAndNewlines)))
  }
}
