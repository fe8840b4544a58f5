"""Countries, and the states and provinces that vendors want as codes: what people write → ISO 3166 codes.

A name is looked up by its letters alone, so that case, accents, blanks and punctuation do not matter. The
codes are those of ISO 3166-1 and ISO 3166-2; the names are English short names, others in common use, and some
countries' own.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

_COUNTRIES = """
ad and Andorra; ae are United Arab Emirates, UAE, Emirates; af afg Afghanistan; ag atg Antigua and Barbuda;
ai aia Anguilla; al alb Albania; am arm Armenia; ao ago Angola; aq ata Antarctica; ar arg Argentina;
as asm American Samoa; at aut Austria, Österreich; au aus Australia; aw abw Aruba; ax ala Åland Islands, Åland;
az aze Azerbaijan; ba bih Bosnia and Herzegovina, Bosnia; bb brb Barbados; bd bgd Bangladesh;
be bel Belgium, België, Belgique, Belgien; bf bfa Burkina Faso; bg bgr Bulgaria; bh bhr Bahrain; bi bdi Burundi;
bj ben Benin; bl blm Saint Barthélemy, St Barthelemy; bm bmu Bermuda; bn brn Brunei Darussalam, Brunei;
bo bol Bolivia, Plurinational State of Bolivia; bq bes Bonaire Sint Eustatius and Saba, Caribbean Netherlands,
Bonaire;
br bra Brazil, Brasil; bs bhs Bahamas; bt btn Bhutan; bv bvt Bouvet Island; bw bwa Botswana; by blr Belarus;
bz blz Belize; ca can Canada; cc cck Cocos Islands, Cocos (Keeling) Islands, Keeling Islands;
cd cod Democratic Republic of the Congo, DR Congo, Congo Kinshasa; cf caf Central African Republic;
cg cog Congo, Republic of the Congo, Congo Brazzaville; ch che Switzerland, Schweiz, Suisse, Svizzera;
ci civ Côte d'Ivoire, Ivory Coast; ck cok Cook Islands; cl chl Chile; cm cmr Cameroon;
cn chn China, People's Republic of China, PR China; co col Colombia; cr cri Costa Rica; cu cub Cuba;
cv cpv Cabo Verde, Cape Verde; cw cuw Curaçao; cx cxr Christmas Island; cy cyp Cyprus;
cz cze Czechia, Czech Republic, Česko, Česká republika; de deu Germany, Deutschland, Federal Republic of Germany;
dj dji Djibouti; dk dnk Denmark, Danmark; dm dma Dominica; do dom Dominican Republic; dz dza Algeria; ec ecu Ecuador;
ee est Estonia, Eesti; eg egy Egypt; eh esh Western Sahara; er eri Eritrea; es esp Spain, España; et eth Ethiopia;
fi fin Finland, Suomi; fj fji Fiji; fk flk Falkland Islands, Falkland Islands Malvinas;
fm fsm Micronesia, Federated States of Micronesia; fo fro Faroe Islands, Faroes; fr fra France; ga gab Gabon;
gb gbr United Kingdom, UK, Great Britain, Britain, England, Scotland, Wales, Northern Ireland,
United Kingdom of Great Britain and Northern Ireland; gd grd Grenada; ge geo Georgia; gf guf French Guiana;
gg ggy Guernsey; gh gha Ghana; gi gib Gibraltar; gl grl Greenland; gm gmb Gambia; gn gin Guinea; gp glp Guadeloupe;
gq gnq Equatorial Guinea; gr grc Greece, Hellas, EL;
gs sgs South Georgia and the South Sandwich Islands, South Georgia; gt gtm Guatemala; gu gum Guam; gw gnb
Guinea-Bissau;
gy guy Guyana; hk hkg Hong Kong, Hong Kong SAR; hm hmd Heard Island and McDonald Islands; hn hnd Honduras;
hr hrv Croatia, Hrvatska; ht hti Haiti; hu hun Hungary, Magyarország; id idn Indonesia;
ie irl Ireland, Éire, Republic of Ireland; il isr Israel; im imn Isle of Man; in ind India;
io iot British Indian Ocean Territory; iq irq Iraq; ir irn Iran, Islamic Republic of Iran; is isl Iceland, Ísland;
it ita Italy, Italia; je jey Jersey; jm jam Jamaica; jo jor Jordan; jp jpn Japan; ke ken Kenya; kg kgz Kyrgyzstan;
kh khm Cambodia; ki kir Kiribati; km com Comoros; kn kna Saint Kitts and Nevis, St Kitts and Nevis;
kp prk North Korea, Democratic People's Republic of Korea; kr kor South Korea, Republic of Korea, Korea; kw kwt
Kuwait;
ky cym Cayman Islands; kz kaz Kazakhstan; la lao Laos, Lao People's Democratic Republic; lb lbn Lebanon;
lc lca Saint Lucia, St Lucia; li lie Liechtenstein; lk lka Sri Lanka; lr lbr Liberia; ls lso Lesotho;
lt ltu Lithuania, Lietuva; lu lux Luxembourg, Luxemburg; lv lva Latvia, Latvija; ly lby Libya; ma mar Morocco;
mc mco Monaco; md mda Moldova, Republic of Moldova; me mne Montenegro; mf maf Saint Martin, St Martin;
mg mdg Madagascar; mh mhl Marshall Islands; mk mkd North Macedonia, Macedonia; ml mli Mali; mm mmr Myanmar, Burma;
mn mng Mongolia; mo mac Macao, Macau; mp mnp Northern Mariana Islands; mq mtq Martinique; mr mrt Mauritania;
ms msr Montserrat; mt mlt Malta; mu mus Mauritius; mv mdv Maldives; mw mwi Malawi; mx mex Mexico, México;
my mys Malaysia; mz moz Mozambique; na nam Namibia; nc ncl New Caledonia; ne ner Niger; nf nfk Norfolk Island;
ng nga Nigeria; ni nic Nicaragua; nl nld Netherlands, Nederland, Holland, Kingdom of the Netherlands;
no nor Norway, Norge; np npl Nepal; nr nru Nauru; nu niu Niue; nz nzl New Zealand; om omn Oman; pa pan Panama;
pe per Peru, Perú; pf pyf French Polynesia; pg png Papua New Guinea; ph phl Philippines; pk pak Pakistan;
pl pol Poland, Polska; pm spm Saint Pierre and Miquelon, St Pierre and Miquelon; pn pcn Pitcairn, Pitcairn Islands;
pr pri Puerto Rico; ps pse Palestine, State of Palestine, Palestinian Territories; pt prt Portugal; pw plw Palau;
py pry Paraguay; qa qat Qatar; re reu Réunion; ro rou Romania, România; rs srb Serbia, Srbija;
ru rus Russia, Russian Federation; rw rwa Rwanda; sa sau Saudi Arabia, Kingdom of Saudi Arabia; sb slb Solomon
Islands;
sc syc Seychelles; sd sdn Sudan; se swe Sweden, Sverige; sg sgp Singapore;
sh shn Saint Helena, St Helena, Saint Helena Ascension and Tristan da Cunha; si svn Slovenia, Slovenija;
sj sjm Svalbard and Jan Mayen; sk svk Slovakia, Slovak Republic, Slovensko; sl sle Sierra Leone; sm smr San Marino;
sn sen Senegal; so som Somalia; sr sur Suriname; ss ssd South Sudan; st stp Sao Tome and Principe; sv slv El Salvador;
sx sxm Sint Maarten; sy syr Syria, Syrian Arab Republic; sz swz Eswatini, Swaziland;
tc tca Turks and Caicos Islands, Turks and Caicos; td tcd Chad; tf atf French Southern Territories; tg tgo Togo;
th tha Thailand; tj tjk Tajikistan; tk tkl Tokelau; tl tls Timor-Leste, East Timor; tm tkm Turkmenistan;
tn tun Tunisia; to ton Tonga; tr tur Türkiye, Turkey; tt tto Trinidad and Tobago; tv tuv Tuvalu;
tw twn Taiwan, Taiwan Province of China; tz tza Tanzania, United Republic of Tanzania; ua ukr Ukraine; ug uga Uganda;
um umi United States Minor Outlying Islands; us usa United States, United States of America, America;
uy ury Uruguay; uz uzb Uzbekistan; va vat Holy See, Vatican City, Vatican, Vatican City State;
vc vct Saint Vincent and the Grenadines, St Vincent and the Grenadines;
ve ven Venezuela, Bolivarian Republic of Venezuela; vg vgb British Virgin Islands, Virgin Islands British;
vi vir US Virgin Islands, United States Virgin Islands, Virgin Islands US; vn vnm Vietnam, Viet Nam; vu vut Vanuatu;
wf wlf Wallis and Futuna; ws wsm Samoa; xk xkx Kosovo; ye yem Yemen; yt myt Mayotte; za zaf South Africa;
zm zmb Zambia; zw zwe Zimbabwe
"""

_US = """
al Alabama; ak Alaska; az Arizona; ar Arkansas; ca California; co Colorado; ct Connecticut; de Delaware;
dc District of Columbia, Washington DC, Washington District of Columbia; fl Florida; ga Georgia; hi Hawaii; id Idaho;
il Illinois; in Indiana; ia Iowa; ks Kansas; ky Kentucky; la Louisiana; me Maine; md Maryland; ma Massachusetts;
mi Michigan; mn Minnesota; ms Mississippi; mo Missouri; mt Montana; ne Nebraska; nv Nevada; nh New Hampshire;
nj New Jersey; nm New Mexico; ny New York, New York State; nc North Carolina; nd North Dakota; oh Ohio; ok Oklahoma;
or Oregon; pa Pennsylvania; ri Rhode Island; sc South Carolina; sd South Dakota; tn Tennessee; tx Texas; ut Utah;
vt Vermont; va Virginia; wa Washington, Washington State; wv West Virginia; wi Wisconsin; wy Wyoming;
as American Samoa; gu Guam; mp Northern Mariana Islands; pr Puerto Rico; um US Minor Outlying Islands;
vi US Virgin Islands, United States Virgin Islands, Virgin Islands, Virgin Islands US
"""

_CANADA = """
ab Alberta; bc British Columbia, Colombie-Britannique; mb Manitoba; nb New Brunswick, Nouveau-Brunswick;
nl Newfoundland and Labrador, Newfoundland, Terre-Neuve-et-Labrador; ns Nova Scotia, Nouvelle-Écosse;
nt Northwest Territories, Territoires du Nord-Ouest; nu Nunavut; on Ontario;
pe Prince Edward Island, PEI, Île-du-Prince-Édouard; qc Quebec, Québec; sk Saskatchewan; yt Yukon, Yukon Territory
"""


def letters(text: str) -> str:
    """The lower-case letters of a text without accents: what names are looked up by."""
    return "".join(one for one in unicodedata.normalize("NFKD", text).lower() if one.isalpha())


def _table(text: str, codes: int) -> Mapping[str, str]:
    """Every name of every place → its first code. An entry is its `codes` codes, then names with commas between."""
    found: dict[str, str] = {}
    for entry in text.replace("\n", " ").split(";"):
        *known, names = entry.split(maxsplit=codes)
        for name in (*known, *names.split(",")):
            found[letters(name)] = known[0]
    return MappingProxyType(found)


COUNTRIES = _table(_COUNTRIES, 2)
"""Letters of an alpha-2 code, an alpha-3 code or a name → ISO 3166-1 alpha-2, lower case."""

US_STATES = _table(_US, 1)
"""Letters of a state, district or territory of the United States, or its code → the code, lower case."""

PROVINCES = _table(_CANADA, 1)
"""Letters of a Canadian province or territory, or its code → the code, lower case."""


@lru_cache(maxsize=2048)
def country_code(text: str) -> str | None:
    """ISO 3166-1 alpha-2, lower case, of what people write (`US`, `usa`, `United States`, `uk`); None when unknown."""
    name = letters(text)
    code = COUNTRIES.get(name) or (COUNTRIES.get(name[3:]) if name.startswith("the") else None)
    if code is None and "," in text:  # `Korea, Republic of`: the form of ISO's own list
        head, _, rest = text.partition(",")
        code = COUNTRIES.get(letters(rest + head).removeprefix("the"))
    return code


def region_code(text: str, country: str | None) -> str | None:
    """The lower-case code of a US state or Canadian province, by name, code or ISO 3166-2 (`US-CA`); None for all
    else.

    `country`: alpha-2, lower case, when known: in any other country `Georgia` or `Victoria` is no state of these
    two.
    """
    head, dash, rest = text.strip().partition("-")
    if dash and head.lower() in ("us", "ca") and country in (None, head.lower()):
        country, text = head.lower(), rest
    name = letters(text)
    if country == "us":
        return US_STATES.get(name)
    if country == "ca":
        return PROVINCES.get(name)
    if country is None:
        return US_STATES.get(name) or PROVINCES.get(name)
    return None
