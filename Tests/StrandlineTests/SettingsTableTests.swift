import ArgumentParser
import Testing

@testable import strandline

@Suite("The table of settings")
struct SettingsTableTests {
  @Test("keys are unique and fit for flags and variables")
  func keys() {
    #expect(SettingsTable.byKey.count == SettingsTable.all.count)
    for definition in SettingsTable.all {
      #expect(definition.key.wholeMatch(of: /[a-z]+(-[a-z]+)*/) != nil)
      #expect(definition.environmentName.wholeMatch(of: /STRANDLINE_[A-Z_]+/) != nil)
    }
  }

  @Test("every default is a valid value", arguments: SettingsTable.all)
  func defaults(definition: SettingDefinition) throws {
    if let text = definition.defaultText { try definition.check(text) }
  }

  @Test("every setting is a flag of `config print`, with the text given to it", arguments: SettingsTable.all)
  func flags(definition: SettingDefinition) throws {
    let arguments = definition.isSwitch ? [definition.flag] : [definition.flag, "sample"]
    let command = try #require(try Strandline.parseAsRoot(["config", "print"] + arguments) as? ConfigPrintCommand)
    let sources = command.sources(environment: [:], readFile: { _ in "" })
    #expect(sources.flags == [definition.key: definition.isSwitch ? "true" : "sample"])
  }

  @Test("the reference has a row for every setting", arguments: SettingsTable.all)
  func reference(definition: SettingDefinition) {
    #expect(SettingsReport.markdown().contains("| `\(definition.key)` | `\(definition.environmentName)` |"))
  }

  @Test(
    "addresses are read as people write them",
    arguments: [
      ("127.0.0.1:0", "127.0.0.1", 0), ("[::1]:8080", "::1", 8080), ("*:80", "*", 80),
      ("feed.example:443", "feed.example", 443),
    ])
  func addresses(text: String, host: String, port: Int) throws {
    let address = try NetworkAddress(parsing: text)
    #expect(address == NetworkAddress(host: host, port: port))
    #expect(address.description == text)
  }

  @Test(
    "sizes are read as people write them",
    arguments: [("0", 0), ("1024", 1024), ("8GiB", 8 << 30), ("8 gib", 8 << 30), ("64 MiB", 64 << 20), ("7B", 7)])
  func sizes(text: String, count: Int) {
    #expect(ByteCount.parse(text) == count)
  }

  @Test("what is no size is none", arguments: ["", "GiB", "-1", "1.5GiB", "1 KB", "9223372036854775807KiB"])
  func noSizes(text: String) {
    #expect(ByteCount.parse(text) == nil)
  }
}
