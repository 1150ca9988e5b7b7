//! Files that usually contain secrets: the built-in part of `ignore`. Settings can extend it, or remove single globs.

use crate::completion::trigger::{Glob, Globs};

/// Globs for any kind of file: known places of secrets, and what Zed (`disabled_globs`), Continue and Cody exclude.
pub(super) const SECRET_FILES: &str = concat!(
    // Environments and configurations.
    ".env* ",
    "*.env ",
    "env.{production,prod,staging,development,dev,local,test} ",
    ".envs/ ",
    ".env.d/ ",
    ".envrc ",
    ".dev.vars* ",
    ".secrets/ ",
    "config/secrets/ ",
    "secrets.* ",
    "secret.{json,yml,yaml,toml,ini,conf,cfg,txt,properties,xml,enc} ",
    "*.secret ",
    "*.secrets ",
    "*.token ",
    "appsettings.*.json ",
    "config/master.key ",
    "credentials.yml.enc ",
    "wp-config.php ",
    "local.settings.json ",
    "lapce-*/settings.toml ",
    ".lapce/settings.toml ",
    // Keys and certificates.
    "*.pem ",
    "*.key ",
    "*.key.{bak,old,orig,enc} ",
    "*.p8 ",
    "*.p12 ",
    "*.pfx ",
    "*.der ",
    "*.crt ",
    "*.cer ",
    "*.cert ",
    "*.csr ",
    "*.jks ",
    "*.keystore ",
    "*.truststore ",
    "*.bks ",
    "*.keytab ",
    "*.kdb ",
    "*.kdbx ",
    "*.ppk ",
    "*.gpg ",
    "*.pgp ",
    "*.asc ",
    "*.age ",
    "*.ovpn ",
    "wg[0-9]*.conf ",
    "id_{rsa,dsa,ecdsa,ed25519}* ",
    "ssh_host_*_key* ",
    "authorized_keys ",
    // Clouds and their tools.
    "*.tfstate ",
    "*.tfstate.* ",
    "*.tfvars ",
    "*.tfvars.json ",
    ".terraformrc ",
    "terraform.rc ",
    "kubeconfig ",
    "*.kubeconfig ",
    ".dockercfg ",
    ".dockerconfigjson ",
    "application_default_credentials.json ",
    "client_secret*.json ",
    "service{-,_,}account*.json ",
    "gcloud/ ",
    ".vault-token ",
    ".vault_pass* ",
    "vault.{yml,yaml} ",
    // Logins.
    "credentials ",
    "credentials.{json,yml,yaml,toml,ini,xml,csv,db,enc,properties,txt} ",
    "auth.json ",
    ".netrc ",
    "_netrc ",
    ".authinfo* ",
    ".npmrc ",
    ".yarnrc.yml ",
    ".pypirc ",
    ".pgpass ",
    ".my.cnf ",
    ".s3cfg ",
    ".boto ",
    ".htpasswd ",
    ".git-credentials ",
    ".password-store/ ",
    ".config/gh/hosts.yml ",
    ".config/hub ",
    ".codex/ ",
    ".cargo/credentials* ",
    ".gem/credentials ",
    ".m2/settings.xml ",
    // Folders of tools.
    ".ssh/ ",
    ".aws/ ",
    ".azure/ ",
    ".gnupg/ ",
    ".kube/ ",
    ".docker/ ",
    // Histories and the system's own.
    ".*_history ",
    ".histfile ",
    "fish_history ",
    "consolehost_history.txt ",
    "/etc/shadow* ",
    "/etc/gshadow* ",
    "/etc/sudoers* ",
    "/etc/ssl/private/ ",
);

/// Folders that usually contain secrets, but are also ordinary module names: source code in them is not secret.
pub(super) const SECRET_UNLESS_SOURCE: &str = "private/ certs/ keys/ secrets/";

/// Both lists, followed by the user's globs.
pub(super) fn globs(own: &[&[Glob]]) -> (Globs, Globs) {
    // The lists are valid: a test parses each glob.
    let built_in = |list: &str| Globs::parse(list.split_ascii_whitespace()).unwrap_or_default();
    let (mut all, mut unless_source) = (built_in(SECRET_FILES), built_in(SECRET_UNLESS_SOURCE));
    for glob in own.iter().flat_map(|list| list.iter()) {
        all.add(glob);
        if glob.is_negated() {
            unless_source.add(glob);
        }
    }
    (all, unless_source)
}

/// Whether this folder is in one of the built-in list. Then its files keep their absolute paths, so that the globs match.
pub fn is_in_secret_folder(folder: &str) -> bool {
    globs(&[]).0.find(&[folder.trim_end_matches('/'), "/x"].concat()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::completion::trigger::Gates;

    fn gates() -> Gates {
        let (ignore, ignore_unless_source) = globs(&[]);
        Gates { ignore, ignore_unless_source, ..Gates::default() }
    }

    /// A path for each glob of the lists, in their order.
    const SAMPLES: &[&str] = &[
        ".env.local",
        "deploy/prod.env",
        "env.production",
        ".envs/.production/.django",
        ".env.d/api",
        ".envrc",
        ".dev.vars",
        ".secrets/a.txt",
        "config/secrets/prod.rb",
        "secrets.rb",
        "secret.yaml",
        "api.secret",
        "api.secrets",
        "ci.token",
        "appsettings.Production.json",
        "config/master.key",
        "config/credentials.yml.enc",
        "wp-config.php",
        "local.settings.json",
        "/home/u/.config/lapce-stable/settings.toml",
        "w/.lapce/settings.toml",
        "c:/w/server.pem",
        "server.key",
        "server.key.bak",
        "AuthKey.p8",
        "a.p12",
        "a.pfx",
        "a.der",
        "a.crt",
        "a.cer",
        "a.cert",
        "a.csr",
        "a.jks",
        "a.keystore",
        "a.truststore",
        "a.bks",
        "a.keytab",
        "a.kdb",
        "a.kdbx",
        "a.ppk",
        "a.gpg",
        "a.pgp",
        "a.asc",
        "a.age",
        "a.ovpn",
        "wg0.conf",
        "/home/u/id_ed25519.pub",
        "ssh_host_rsa_key",
        "authorized_keys",
        "terraform.tfstate",
        "terraform.tfstate.backup",
        "a.tfvars",
        "a.tfvars.json",
        ".terraformrc",
        "terraform.rc",
        "kubeconfig",
        "prod.kubeconfig",
        ".dockercfg",
        ".dockerconfigjson",
        "application_default_credentials.json",
        "client_secret_1.json",
        "serviceAccountKey.json",
        "/home/u/.config/gcloud/a.db",
        ".vault-token",
        ".vault_pass.txt",
        "group_vars/all/vault.yml",
        "credentials",
        "credentials.json",
        "auth.json",
        ".netrc",
        "_netrc",
        ".authinfo.gpg",
        ".npmrc",
        ".yarnrc.yml",
        ".pypirc",
        ".pgpass",
        ".my.cnf",
        ".s3cfg",
        ".boto",
        ".htpasswd",
        ".git-credentials",
        ".password-store/a/b",
        "/home/u/.config/gh/hosts.yml",
        "/home/u/.config/hub",
        ".codex/auth.json",
        "/home/u/.cargo/credentials.toml",
        ".gem/credentials",
        ".m2/settings.xml",
        "/home/u/.ssh/keys/deep/x",
        ".aws/config",
        ".azure/a",
        ".gnupg/a",
        ".kube/config",
        ".docker/config.json",
        ".bash_history",
        ".histfile",
        ".local/share/fish/fish_history",
        "ConsoleHost_history.txt",
        "/etc/shadow-",
        "/etc/gshadow",
        "/etc/sudoers",
        "/etc/ssl/private/a",
        "private/a.txt",
        "certs/a",
        "keys/prod.json",
        "secrets/a",
    ];

    #[test]
    fn every_glob_of_the_lists_covers_its_sample() {
        let all: Vec<_> = SECRET_FILES
            .split_ascii_whitespace()
            .chain(SECRET_UNLESS_SOURCE.split_ascii_whitespace())
            .collect();
        assert_eq!(all.len(), SAMPLES.len());
        for (glob, sample) in all.into_iter().zip(SAMPLES) {
            assert!(Glob::parse(glob).unwrap().matches(sample), "{glob} {sample}");
            for path in [(*sample).to_owned(), sample.to_ascii_uppercase()] {
                assert!(gates().ignored(&path).is_some(), "{glob} {path}");
            }
            let deep = ["/w/x/", sample.trim_start_matches('/')].concat();
            assert!(glob.starts_with('/') || gates().ignored(&deep).is_some(), "{glob} {deep}");
        }
        // Others of the same kinds.
        for path in [
            "secrets.yml",
            "service-account-prod.json",
            "service_account.json",
            ".zsh_history",
            ".python_history",
            "id_rsa.old",
            "auth.json",
            "a/.env",
            ".ENV",
            "wg1.conf",
            "credentials.toml",
            "keys/deep/id",
            "certs/ca.txt",
        ] {
            assert!(gates().ignored(path).is_some(), "{path}");
        }
    }

    #[test]
    fn ordinary_files_are_not_covered() {
        let names = "src/main.rs src/lib.rs build.rs Cargo.toml Cargo.lock rust-toolchain.toml .rustfmt.toml \
            src/environment.rs src/env.rs src/monkey.rs src/keys.rs src/keys/mod.rs src/key.rs src/token.rs src/tokens.rs \
            src/secret.rs src/secrets/mod.rs src/secrets/store.ts src/private/mod.rs src/private/util_p.h src/certs/parse.rs \
            src/credentials.rs src/auth.rs src/auth/mod.rs src/keyboard.rs src/keymap.json src/password.rs src/vault.rs \
            src/crypto/rsa.rs src/crypto/aes.py src/history.rs src/shadow.rs src/docker.rs src/kube/client.go src/aws/s3.go \
            settings.toml settings.json config.toml config.json config.yml config/app.yml config/routes.rb config/database.rb \
            package.json package-lock.json tsconfig.json jsconfig.json .eslintrc.json .prettierrc babel.config.js \
            vite.config.ts webpack.config.js rollup.config.mjs next.config.js tailwind.config.js postcss.config.js \
            index.html style.css app.scss main.js main.ts App.tsx App.vue App.svelte index.jsx server.mjs worker.cjs \
            README.md CHANGELOG.md LICENSE CONTRIBUTING.md SECURITY.md docs/keys.md docs/tokens.md docs/index.rst notes.txt \
            Makefile CMakeLists.txt Dockerfile docker-compose.yml .dockerignore .gitignore .gitattributes .editorconfig \
            .github/workflows/ci.yml .gitlab-ci.yml Jenkinsfile Procfile Vagrantfile justfile flake.nix shell.nix \
            main.py setup.py pyproject.toml requirements.txt Pipfile tox.ini conftest.py manage.py settings.py models.py \
            views.py urls.py tests/test_auth.py tests/test_tokens.py tests/keys_test.go app/tokenizer.py app/key_value.py \
            main.go go.mod go.sum main_test.go internal/token/token.go pkg/keys/keys.go pkg/secret/secret.go cmd/root.go \
            Main.java pom.xml build.gradle build.gradle.kts settings.gradle gradle.properties KeyStore.java TokenFilter.java \
            Main.kt Main.scala build.sbt Main.swift Package.swift main.dart pubspec.yaml analysis_options.yaml \
            main.c main.h main.cpp main.hpp token.c token.h keys.cpp private.h CMakePresets.json meson.build BUILD.bazel \
            Program.cs App.csproj App.sln appsettings.json Startup.fs Gemfile Rakefile app.rb secrets_helper.rb index.php \
            composer.json artisan main.pl main.lua init.lua main.ex mix.exs main.erl rebar.config Main.hs stack.yaml \
            main.ml dune main.clj project.clj core.cljs Main.elm main.jl main.R main.nim main.zig build.zig main.v main.d \
            main.tf variables.tf outputs.tf modules/vpc/main.tf chart/values.yaml chart/Chart.yaml k8s/deployment.yaml \
            playbook.yml inventory.ini ansible.cfg roles/web/tasks/main.yml nginx.conf redis.conf postgresql.conf my.cnf \
            schema.sql migrations/0001_init.sql query.graphql api.proto openapi.yaml schema.prisma data.csv data.json data.xml \
            shader.glsl shader.wgsl kernel.cu top.v alu.sv counter.vhd script.sh script.bash script.zsh script.fish script.ps1 \
            profile.bat .bashrc .zshrc .profile .vimrc .tmux.conf init.el config.fish wgpu.rs wg.conf.md ascii.rs ageing.py \
            asc.go certificate.py keytab_parser.c pem_reader.rs key_events.ts access_token.go environment.yml envoy.yaml \
            locales/en.json public/keys.svg assets/key.png fixtures/users.json book.toml mkdocs.yml netlify.toml vercel.json";
        let names: Vec<_> = names.split_whitespace().collect();
        assert!(names.len() >= 200, "{}", names.len());
        let gates = gates();
        let covered: Vec<_> = names.iter().filter_map(|name| Some((name, gates.ignored(name)?))).collect();
        assert_eq!(covered, []);
    }

    #[test]
    fn a_folder_of_the_list_is_known() {
        for (folder, is_secret) in [
            ("/home/u/.ssh", true),
            ("/home/u/.ssh/", true),
            ("/home/u/.ssh/keys", true),
            ("/home/u/ssh", false),
            ("", false),
        ] {
            assert_eq!(is_in_secret_folder(folder), is_secret, "{folder}");
        }
    }

    #[test]
    fn settings_add_and_take_single_globs_out() {
        let own: Vec<_> = ["*.sql", "!*.pem", "!keys/"].map(|text| Glob::parse(text).unwrap()).into();
        let (ignore, ignore_unless_source) = globs(&[&[], &own]);
        let gates = Gates { ignore, ignore_unless_source, ..Gates::default() };
        for (path, covered) in
            [("a.sql", true), ("a.pem", false), ("keys/a", false), ("a.key", true), ("certs/a", true)]
        {
            assert_eq!(gates.ignored(path).is_some(), covered, "{path}");
        }
    }
}
